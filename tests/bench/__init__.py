"""What is measured: ratios within one run, never a timed test."""
