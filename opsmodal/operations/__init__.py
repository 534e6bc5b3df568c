"""Everything that can be done, behind one door: permit, then record the intent, then act, then record the outcome."""
