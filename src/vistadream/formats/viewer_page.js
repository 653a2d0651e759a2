// Keeps the camera of an exported page's viewer within the limits.
function keepWithin(viewer, limits) {
    const manager = viewer.cameraManager;
    if (!manager) {
        requestAnimationFrame(() => keepWithin(viewer, limits));
        return;
    }
    const { update, camera } = manager, keep = keeper(limits);
    const numbers = ({ x, y, z }) => [x, y, z];
    manager.update = (seconds, frame) => {
        update(seconds, frame);
        const place = { position: numbers(camera.position), angles_deg: numbers(camera.angles) };
        const kept = keep(place, viewer.global.state.cameraMode === 'anim');
        if (!kept) return;
        camera.position.set(...kept.position);
        camera.angles.set(...kept.angles_deg);
        manager.snap();
    };
}
