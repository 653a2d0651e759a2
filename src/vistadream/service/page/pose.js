/**
 * Cameras between the world of a run and that of the viewer.
 *
 * The run's world has the axes of the photo's camera: x right, y down, z forward (OpenCV). The viewer's world is that one
 * turned by 180 degrees about z, and its camera looks along its own -z, with y up.
 */

/**
 * @typedef {number[][]} Pose a world_from_cam, 4x4, in the world of the run
 */

/** The pose of the photo's camera, the origin of the world. @type {Pose} */
export const PHOTO = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]];

/** The pose of a camera of the viewer. @param {ArrayLike<number>} matrix its world transform, column by column @returns {Pose} */
export function poseOf(matrix) {
  const world = [-1, -1, 1];
  const camera = [1, -1, -1, 1];
  const row = (/** @type {number} */ r) => camera.map((sign, c) => world[r] * sign * matrix[4 * c + r]);
  return [row(0), row(1), row(2), [0, 0, 0, 1]];
}

/**
 * Where the viewer has to put its camera for a pose. A camera that is turned about its own axis becomes upright.
 * @param {Pose} pose
 * @returns {{position: number[], angles_deg: number[]}} in the viewer's world; pitch, yaw and roll
 */
export function placeOf(pose) {
  const [x, y, z] = [-pose[0][2], -pose[1][2], pose[2][2]];
  const pitch = Math.asin(Math.max(-1, Math.min(1, y)));
  const angles_deg = [pitch, Math.atan2(-x, -z), 0].map((angle) => (180 / Math.PI) * angle);
  return { position: [-pose[0][3], -pose[1][3], pose[2][3]], angles_deg };
}

/** @param {Pose} pose @returns {string} its place and the way it looks, for an address */
export function written(pose) {
  return [0, 1, 2].map((k) => pose[k][3]).concat([0, 1, 2].map((k) => pose[k][2])).map((each) => (Math.round(1e4 * each) / 1e4 || 0).toFixed(4)).join(",");
}

/** @param {string | null} text @returns {Pose | null} the upright pose that `written` has described */
export function read(text) {
  const numbers = (text ?? "").split(",").map(Number);
  const ahead = unit(numbers.slice(3, 6));
  if (numbers.length !== 6 || !numbers.every(Number.isFinite) || !ahead) return null;
  const [x, y, z] = ahead;
  const right = unit([z, 0, -x]) ?? [1, 0, 0];
  const down = [y * right[2], z * right[0] - x * right[2], -y * right[0]];
  return [0, 1, 2].map((k) => [right[k], down[k], ahead[k], numbers[k]]).concat([[0, 0, 0, 1]]);
}

/** @param {number[]} v @returns {number[] | null} */
function unit(v) {
  const length = Math.hypot(...v);
  return length > 1e-6 ? v.map((each) => each / length) : null;
}
