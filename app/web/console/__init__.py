"""Console pages of a workspace, one module per noun."""
