"""Everything that touches the world: sockets, clocks, threads, the web server, the terminal."""
