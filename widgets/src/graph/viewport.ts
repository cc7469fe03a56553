// Pan and zoom: one transform for the world, kept by the reader's hand, never moved without need.

export interface Camera { x: number; y: number; zoom: number }

export const LEAST = 0.04, MOST = 3;

/** The camera that shows a world of `width` x `height` in a window, not larger than life and not smaller than legible. */
export function fitted(width: number, height: number, w: number, h: number, least = 0.5, pad = 16): Camera {
  const zoom = Math.max(least, Math.min(1, (w - 2 * pad) / Math.max(1, width), (h - 2 * pad) / Math.max(1, height)));
  const x = width * zoom <= w - 2 * pad + 1 ? (w - width * zoom) / 2 : pad;
  return { x, y: height * zoom <= h - 2 * pad + 1 ? (h - height * zoom) / 2 : pad, zoom };
}

/** Zoom by `factor` around a point of the window, which stays where it is. */
export function zoomed(camera: Camera, factor: number, px: number, py: number): Camera {
  const zoom = Math.min(MOST, Math.max(LEAST, camera.zoom * factor)), k = zoom / camera.zoom;
  return { zoom, x: px - (px - camera.x) * k, y: py - (py - camera.y) * k };
}

/** Move as little as needed so that a box of the world lies in the window. */
export function reveal(camera: Camera, box: { x: number; y: number; w: number; h: number }, w: number, h: number, margin = 24): Camera {
  const { zoom } = camera;
  const left = box.x * zoom + camera.x, top = box.y * zoom + camera.y, right = left + box.w * zoom, bottom = top + box.h * zoom;
  let { x, y } = camera;
  if (right > w - margin) x -= right - (w - margin);
  if (left + (x - camera.x) < margin) x += margin - (left + (x - camera.x));
  if (bottom > h - margin) y -= bottom - (h - margin);
  if (top + (y - camera.y) < margin) y += margin - (top + (y - camera.y));
  return { x, y, zoom };
}

/** Don't lose the world: some of it stays inside the window. */
export function held(camera: Camera, width: number, height: number, w: number, h: number): Camera {
  const keep = 60, { zoom } = camera;
  return {
    zoom,
    x: Math.min(w - keep, Math.max(keep - width * zoom, camera.x)),
    y: Math.min(h - keep, Math.max(keep - height * zoom, camera.y)),
  };
}
