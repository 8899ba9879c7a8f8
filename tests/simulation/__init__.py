"""Two years of asking in a minute: the real services and jobs on a real database, watched from outside."""
