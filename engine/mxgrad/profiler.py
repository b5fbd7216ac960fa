"""What the engine did, and when: `mx.profiler` (level 12)."""
