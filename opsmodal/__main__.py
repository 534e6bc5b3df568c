"""`python -m opsmodal` is `opsmodal`."""

from opsmodal.cli import main

if __name__ == "__main__":
    main(prog_name="opsmodal")
