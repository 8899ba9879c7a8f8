"""Retorno: asks, listens, scores and returns. Rooms and who may import whom: docs/decisions/0001."""
