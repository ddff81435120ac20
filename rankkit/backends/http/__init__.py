"""One HTTP client for every server: limits, deadlines, retries, circuit, keys that stay secret."""
