"""Reports: a result in, text out. One file a format; they know values, and measure nothing."""
