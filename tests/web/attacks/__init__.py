"""The application as attackers use it: each lesson of the trade, and each hole found here, is a test."""
