"""What it costs to own compute: depreciation, fleets, sites, finance."""
