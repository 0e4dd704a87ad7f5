"""Ready joins across domains: what was paid, who pays for it, and what it should have cost."""
