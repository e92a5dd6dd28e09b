"""What the farm does otherwise than the file asks: each one line that says what and why."""

PASSES_OF_OURS = {
    "use_pass_combined",
    "use_pass_normal",
    "use_pass_z",
    "use_pass_position",
    "use_pass_emit",
    "use_pass_ambient_occlusion",
    "use_pass_mist",
    "use_pass_diffuse_color",
    # How a pass is made, no pass of its own.
    "use_pass_cryptomatte_accurate",
}


def scene_notices(scene, view_layer):
    render = scene.render
    cycles = getattr(scene, "cycles", None)
    if render.engine == "CYCLES" and cycles is not None:
        yield from _cycles_notices(cycles)
    if scene.use_nodes and render.use_compositing and scene.node_tree is not None:
        yield "the compositor does not run: it needs whole frames; masters have the passes for it"
    strips = scene.sequence_editor.sequences_all if scene.sequence_editor else ()
    if render.use_sequencer and len(strips) > 0:
        yield "the strips of the sequencer are not rendered, only the scene"
    if render.use_freestyle:
        yield "Freestyle draws no lines: it needs whole frames"
    if render.use_multiview:
        yield "stereo is off: one picture per frame, of the camera itself"
    if render.use_border:
        yield "the render region of the file is ignored: whole frames are rendered"
    if render.use_stamp:
        yield "metadata is not burnt into the pictures"
    enabled = [layer.name for layer in scene.view_layers if layer.use]
    if len(enabled) > 1:
        others = ", ".join(f'"{name}"' for name in enabled if name != view_layer.name)
        yield f'of the view layers "{view_layer.name}" is rendered, not {others}: a job renders one, name another to have it'
    if any(marker.camera is not None for marker in scene.timeline_markers):
        yield "cameras take turns at the markers of the timeline, unless another one than the scene's is named"
    more = _more_passes(view_layer)
    if more:
        yield f"masters do not have these passes: {', '.join(more)}"


def _cycles_notices(cycles):
    if cycles.use_adaptive_sampling:
        yield (
            f"adaptive sampling is off: it would make pixels depend on their tile; every pixel gets {cycles.samples}"
            " samples, so name fewer if that is too many"
        )
    if cycles.use_denoising:
        yield (
            "denoising is off, so the frames are as noisy as their samples leave them: tiles cannot be denoised by"
            " themselves; add --passes beauty,albedo,normal and denoise the EXR masters with them, or raise --samples"
        )
    if cycles.feature_set == "EXPERIMENTAL" and cycles.offscreen_dicing_scale != 1:
        yield "adaptive subdivision is as fine outside of the picture as inside: what is outside differs from tile to tile"
    if getattr(cycles, "use_guiding", False):
        yield "path guiding is off: it learns from the pixels before and so would depend on the tiles"
    if getattr(cycles, "time_limit", 0) > 0:
        yield "the time limit for a picture is ignored: every pixel gets all samples"
    if cycles.device == "GPU":
        yield (
            "the file asks for a GPU; the job decides: pictures are rendered on the processor, whose pixels every node can"
            " make, unless it is submitted with --device gpu"
        )


def _more_passes(view_layer):
    """Enabled passes that the farm has no layer for."""
    found = [
        name
        for holder in (view_layer, view_layer.cycles)
        for name in dir(holder)
        if name.startswith("use_pass_") and name not in PASSES_OF_OURS and getattr(holder, name)
    ]
    aovs = [aov.name for aov in getattr(view_layer, "aovs", ())]
    return [name.removeprefix("use_pass_").replace("_", " ") for name in sorted(found)] + aovs
