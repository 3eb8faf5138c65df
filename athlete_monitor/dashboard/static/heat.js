// The pitch and heat maps on a canvas.
import { colour } from "./figures.js";

export function drawHeat(pen, heat) {
  const most = Math.max(1, ...heat.rows.flat());
  pen.fillStyle = colour("--z4");
  heat.rows.forEach((row, j) => row.forEach((seconds, i) => {
    if (!seconds) return;
    pen.globalAlpha = 0.12 + 0.88 * Math.sqrt(seconds / most);
    pen.fillRect(i * heat.cell_m, j * heat.cell_m, heat.cell_m, heat.cell_m);
  }));
  pen.globalAlpha = 1;
}

/** The lines of a football pitch, in metres, scaled to its size. */
export function drawLines(pen, { length_m: length, width_m: width }) {
  Object.assign(pen, { strokeStyle: colour("--muted"), lineWidth: 0.25 });
  const [middle, box, goal] = [width / 2, Math.min(16.5, length / 6), Math.min(5.5, length / 18)];
  pen.strokeRect(0, 0, length, width);
  pen.beginPath();
  pen.moveTo(length / 2, 0);
  pen.lineTo(length / 2, width);
  pen.moveTo(length / 2 + 9.15, middle);
  pen.arc(length / 2, middle, Math.min(9.15, width / 6), 0, 2 * Math.PI);
  for (const [depth, half] of [[box, Math.min(20.16, width / 3)], [goal, Math.min(9.16, width / 7)]]) {
    pen.rect(0, middle - half, depth, 2 * half);
    pen.rect(length - depth, middle - half, depth, 2 * half);
  }
  pen.stroke();
}

/** Draws a heat map on a canvas as wide as there is room. */
export function paintHeat(canvas, spots) {
  const width = Math.min(canvas.parentNode.clientWidth, 800);
  const ratio = Math.min(devicePixelRatio, 2);
  const scale = (ratio * width) / (spots.length_m + 4);
  canvas.width = Math.round(ratio * width);
  canvas.height = Math.round(scale * (spots.width_m + 4));
  canvas.style.width = `${width}px`;
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, -scale, 2 * scale, scale * (spots.width_m + 2));
  drawHeat(pen, spots);
  drawLines(pen, spots);
}
