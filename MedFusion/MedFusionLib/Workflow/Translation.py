"""The function that translates a text for the user; outside the application every text stays as it is."""

try:
    from slicer.i18n import tr
except ImportError:

    def tr(text: str) -> str:
        """Return a text as it is."""
        return text
