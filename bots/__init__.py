"""The chat edges: one stored inbound event becomes one verb."""
