"""What flies: routes, kinematics, the plan of a raid, recordings; all of it from a scene to a Sky."""
