"""Agreement of people: alpha, kappas, consensus, and how many raters are enough."""
