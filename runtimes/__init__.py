"""What can be operated: Kubernetes, Docker, Podman. Usable without the web; imports only `connectors`."""
