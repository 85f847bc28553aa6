"""`certify up`: every process of a local installation under one supervisor."""
