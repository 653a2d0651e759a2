/**
 * Where the camera of SuperSplat's viewer may go: in the exported page, into which this file is copied, and in the page of the service.
 *
 * @typedef {{low: number[], high: number[], target: number[], yawDeg: number[], pitchDeg: number[]}} Limits the farthest places on each
 *     axis, and the angles from the target
 * @typedef {{position: number[], angles_deg: number[]}} Place of the camera in the viewer's world; pitch, yaw and roll
 */

/** How far out a position is: 0 at the photo, 1 at the limit. @param {number[]} position @param {Limits} limits */
function extent(position, { low, high }) {
    return Math.hypot(...position.map((x, i) => x / (x < 0 ? low[i] : high[i])));
}

/** @param {number} x @param {number[]} range from the least to the most */
function between(x, [least, most]) {
    return Math.min(Math.max(x, least), most);
}

/**
 * The place nearest to the wanted one at which the scene holds; the wanted one itself where it holds there.
 * @param {Place} wanted
 * @param {Limits} limits
 * @param {number} [most] how many times as far out the position may be
 * @returns {Place}
 */
export function limiter(wanted, limits, most = 1) {
    const far = extent(wanted.position, limits);
    const position = far > most ? wanted.position.map((x) => (x * most) / far) : wanted.position;
    const [x, y, z] = limits.target.map((each, i) => each - position[i]);
    const home = [Math.atan2(y, Math.hypot(x, z)), Math.atan2(-x, -z)].map((angle) => (angle * 180) / Math.PI);
    const [pitch, yaw, roll] = wanted.angles_deg;
    const turn = [pitch - home[0], ((((yaw - home[1]) % 360) + 540) % 360) - 180];
    const turned = [between(turn[0], limits.pitchDeg), between(turn[1], limits.yawDeg)];
    if (far < most * 1.0001 && Math.hypot(turned[0] - turn[0], turned[1] - turn[1]) < 0.01) return wanted;
    return { position, angles_deg: [home[0] + turned[0], home[1] + turned[1], roll] };
}

/**
 * Whether a place is within the limits, if there are any, or as little outside as rounding puts it.
 * @param {Place} place
 * @param {Limits | null} limits
 */
export function isWithin(place, limits) {
    return !limits || limiter(place, limits, 1.01) === place;
}

/**
 * What keeps a camera from frame to frame: it says where the camera has to be put, and null where it may stay. A camera that was let
 * outside, as by a flight, may only come nearer from there.
 * @param {Limits} limits
 * @returns {(place: Place, isLet: boolean) => Place | null}
 */
export function keeper(limits) {
    let most = 1;
    return (place, isLet) => {
        const far = extent(place.position, limits);
        const kept = isLet ? place : limiter(place, limits, most);
        most = Math.max(1, isLet ? far : Math.min(most, far));
        return kept === place ? null : kept;
    };
}
