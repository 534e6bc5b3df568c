"""Runs inside the installed environment: compiles every template and asks the application for its first pages."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import opsmodal
from opsmodal.app import close_app, create_app
from opsmodal.paths import static_root, template_root
from opsmodal.settings import Settings
from opsmodal.store import open_store


def main() -> None:
    """Print what was compiled and answered, as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        store = open_store(settings.store_url)
        app = create_app(settings, store)
        names = app.jinja_env.list_templates(extensions=["html"])
        for name in names:
            app.jinja_env.get_template(name)
        client = app.test_client()
        pages = {path: client.get(path).status_code for path in ("/sign-in", "/healthz", "/services")}
        static = {path.name: client.get(f"/static/{path.name}").status_code for path in static_root().glob("*.*")}
        close_app(app)
        store.close()
    seen = {
        "package": str(Path(opsmodal.__file__).parent),
        "template_root": str(template_root()),
        "templates": names,
        "static": static,
        "pages": pages,
    }
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    main()
