"""The web shell: one aiohttp application into which every service adds its routes; imports no service."""
