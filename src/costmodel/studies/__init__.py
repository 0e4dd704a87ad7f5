"""Studies that join domains: reading, sharing and auditing a bill, and plans for serving and training."""
