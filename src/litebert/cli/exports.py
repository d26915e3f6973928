"""litebert export: model folders in the forms of other programs."""

from cyclopts import App

app = App(name="export", help="Model folders in the forms of other programs.")
app.command("litebert.cli.export_google:google", name="google")
