"""One file per way out, one registry line each; provider words stop here."""
