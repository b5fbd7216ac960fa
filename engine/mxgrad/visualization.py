"""Graphs as text and as pictures: `mx.viz` (level 14)."""
