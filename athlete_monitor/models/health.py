"""The state of a loader as plain values, for statistics and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from athlete_monitor.models.loader import DynamicModelLoader


def cache_info(loader: DynamicModelLoader) -> dict[str, Any]:
    """Return counts; ``*_s`` in seconds, ``*_bytes`` of memory.

    ``athletes_loading`` and ``athletes_waiting`` are live athletes whom the squad's model serves because their own one
    is being loaded, or has no place in memory.
    """
    memory, probes = loader.memory, loader.probes
    counts, models, alive = memory.counts, memory.models(), memory.alive()
    return {
        "cache_size": len(models),
        "max_cache_size": loader.cache_size,
        "cache_limit": memory.limit,
        "cached_models": list(models),
        "cache_hits": counts.hits,
        "cache_misses": counts.misses,
        "cache_hit_rate": counts.hit_rate,
        "total_requests": counts.requests,
        "models_loaded": counts.loads,
        "models_evicted": counts.evictions,
        "models_reloaded": counts.reloads,
        "failed_loads": counts.failed_loads,
        "average_load_time": counts.mean_load_s,
        "available_models": len(loader.store.athlete_ids()),
        "athletes_loading": loader.live.loading,
        "athletes_waiting": loader.live.waiting,
        "models_in_use": len(alive),
        "bytes_held": memory.held_bytes,
        "bytes_in_use": sum(model.held_bytes for model in alive.values()),
        "bytes_per_model": {key: model.held_bytes for key, model in models.items()},
        "model_ids": {key: model.model_id for key, model in models.items()},
        "refused": {key: refusal.reason for key, refusal in memory.refusals().items()},
        "rss_bytes": probes.rss_bytes(),
        "peak_rss_bytes": probes.peak_rss_bytes(),
        "used_memory_percent": probes.used_memory_percent(),
        "runtime": loader.runtime.name,
        "device": loader.device,
    }
