"""The timetable, the clock and the engine that runs them."""
