"""Programs for people who work on hotline: demo, drills, benchmarks. No service imports them."""
