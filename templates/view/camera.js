// What part of the drawing is seen: a scale and a shift, kept within bounds.

const CLOSEST = 24;

function newCamera() {
  return { scale: 1, x: 0, y: 0 };
}

/** Scales around a point of the stage. */
function zoomAt(camera, factor, x, y) {
  const scale = Math.max(0.8, Math.min(CLOSEST, camera.scale * factor));
  const change = scale / camera.scale;
  return { scale, x: x - (x - camera.x) * change, y: y - (y - camera.y) * change };
}

/** Some of the drawing always stays in sight. */
function kept(camera, width, height) {
  const between = (value, low, high) => Math.max(low, Math.min(high, value));
  return {
    scale: camera.scale,
    x: between(camera.x, width * (0.4 - camera.scale), width * 0.6),
    y: between(camera.y, height * (0.4 - camera.scale), height * 0.6),
  };
}
