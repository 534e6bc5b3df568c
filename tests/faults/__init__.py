"""What happens to the machine under an installation that is served: full disks, other clocks, floods."""
