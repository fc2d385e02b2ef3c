"""Draws a session of a terminal as SVG: draw.py <SESSION >SVG. Lines that begin with "$ " were typed. Light or dark is as the reader has it."""
import html
import sys

WIDTH, LINE, CHARACTER, EDGE, BAR = 100, 19, 8.43, 16, 30

lines = sys.stdin.read().rstrip("\n").expandtabs(8).split("\n")
wide = [line for line in lines if len(line) > WIDTH]
if wide:
    sys.exit(f"draw.py: a line is over {WIDTH} columns: {wide[0]}")
width = round(WIDTH * CHARACTER) + 2 * EDGE
height = len(lines) * LINE + BAR + EDGE

print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">')
print("<title>A session with ccwfs</title>")
print("""<style>
.paper { fill: #f6f8fa; stroke: #d0d7de }
text { fill: #1f2328; font: 14px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; white-space: pre }
.typed { fill: #0550ae; font-weight: bold }
.dot { fill: #afb8c1 }
@media (prefers-color-scheme: dark) {
  .paper { fill: #0d1117; stroke: #30363d }
  text { fill: #e6edf3 }
  .typed { fill: #79c0ff }
  .dot { fill: #484f58 }
}
</style>""")
print(f'<rect class="paper" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>')
for nth in range(3):
    print(f'<circle class="dot" cx="{EDGE + 6 + 18 * nth}" cy="{BAR // 2 + 2}" r="5"/>')
for nth, line in enumerate(lines):
    style = ' class="typed"' if line.startswith("$ ") else ""
    print(f'<text{style} x="{EDGE}" y="{BAR + LINE * nth + 14}" xml:space="preserve">{html.escape(line, quote=False)}</text>')
print("</svg>")
