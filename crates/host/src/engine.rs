//! The wasmtime engine: pooled instances, cached code, a clock against endless loops.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use wasmtime::{
    Cache, CacheConfig, Config, Engine, EngineWeak, InstanceAllocationStrategy,
    PoolingAllocationConfig,
};

/// How often a computing guest gives way to others.
const EPOCH: Duration = Duration::from_millis(10);

/// Makes the engine and starts its clock. `cache` is the folder for compiled code; `None` is
/// the user's own, [`cache_dir`].
pub(crate) fn engine(cache: Option<PathBuf>) -> Result<Engine> {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .wasm_component_model_async(true);
    config.epoch_interruption(true);
    if let Some(dir) = cache.or_else(cache_dir) {
        let mut cache = CacheConfig::new();
        cache.with_directory(dir);
        config.cache(Some(Cache::new(cache)?));
    }
    let mut pooled = config.clone();
    let pool = PoolingAllocationConfig::default();
    pooled.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    // The pool reserves address space; where a limit forbids that, memory is mapped on demand.
    let engine = Engine::new(&pooled).or_else(|_| Engine::new(&config))?;
    start_clock(engine.weak())?;
    Ok(engine)
}

/// `$XDG_CACHE_HOME/sklad-edge` or `~/.cache/sklad-edge`.
fn cache_dir() -> Option<PathBuf> {
    let var = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|dir| dir.is_absolute())
    };
    let base = var("XDG_CACHE_HOME").or_else(|| var("HOME").map(|home| home.join(".cache")))?;
    Some(base.join("sklad-edge"))
}

/// A thread of its own: a tokio task could not tick while a guest holds every worker.
fn start_clock(engine: EngineWeak) -> Result<()> {
    let tick = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(EPOCH);
        }
    };
    std::thread::Builder::new()
        .name("epoch".into())
        .spawn(tick)
        .context("cannot start the epoch thread")?;
    Ok(())
}
