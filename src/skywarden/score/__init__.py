"""The judge: how good tracks and warnings are against the truth. It reads tables only, of any system.

`tables` reads them, `matching` puts tracks at the truth's times; `gospa`, `ospa`, `siap`, `trajectory` and `segments`
measure tracks; `flat` reads the layout of other benchmarks.
"""
