"""Figures with a floor measured in the same run; only the ratios travel from machine to machine."""
