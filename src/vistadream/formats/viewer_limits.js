// Keeps the camera of SuperSplat's viewer where the scene holds. A camera that the flight left outside may only come nearer.
function keepWithin(viewer, limits) {
    const manager = viewer.cameraManager;
    if (!manager) {
        requestAnimationFrame(() => keepWithin(viewer, limits));
        return;
    }
    const { low, high, target, yawDeg, pitchDeg } = limits;
    const camera = manager.camera, update = manager.update, degrees = 180 / Math.PI;
    const at = camera.position.clone(), seen = camera.position.clone();
    const between = (x, [least, most]) => Math.min(Math.max(x, least), most);
    const extent = (p) => Math.hypot(...[p.x, p.y, p.z].map((x, i) => x / (x < 0 ? low[i] : high[i])));
    const angles = (x, y, z) => [Math.atan2(x, z) * degrees, Math.atan2(y, Math.hypot(x, z)) * degrees];
    let outermost = 1;
    manager.update = (seconds, frame) => {
        update(seconds, frame);
        at.copy(camera.position);
        camera.calcFocusPoint(seen);
        if (viewer.global.state.cameraMode === 'anim') {
            outermost = Math.max(1, extent(at));
            return;
        }
        const far = extent(at);
        if (far > outermost) at.mulScalar(outermost / far);
        outermost = Math.max(1, Math.min(outermost, far));
        seen.sub(camera.position);
        const home = angles(target[0] - at.x, target[1] - at.y, target[2] - at.z);
        const [yaw, pitch] = angles(seen.x, seen.y, seen.z);
        const turn = ((yaw - home[0] + 540) % 360) - 180;
        const turned = [home[0] + between(turn, yawDeg), home[1] + between(pitch - home[1], pitchDeg)];
        if (far <= outermost && Math.abs(turned[0] - home[0] - turn) + Math.abs(turned[1] - pitch) < 1e-3) return;
        const [a, b] = turned.map((angle) => angle / degrees);
        seen.set(Math.sin(a) * Math.cos(b), Math.sin(b), Math.cos(a) * Math.cos(b)).mulScalar(camera.distance).add(at);
        camera.look(at, seen);
        manager.snap();
    };
}
