"""nd.random."""
