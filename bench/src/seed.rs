//! The seeded state folder, made once and kept: Spin's two files with the shop in them, and the
//! till's key.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use futures::executor::block_on;
use sha2::{Digest as _, Sha256};
use sklad_catalog::{categories, goods};
use sklad_moysklad::loyalty::commit;
use sklad_store::native::NativeSql;
use sklad_tenant::{App, Config, Settings, keys, settings};

use crate::bulk::BulkSql;
use crate::kv::FileKv;
use crate::shop::{self, Random};
use crate::till::sale_of;

/// The file of the SQLite database in a state folder, as Spin names it.
pub const DATABASE: &str = "sqlite_db.db";
/// The file of the key-value store.
pub const KEY_VALUE: &str = "sqlite_key_value.db";
/// The file with the till's key.
const KEY: &str = "key";
/// Raised when what is seeded changes otherwise than by its numbers or its schema.
const VERSION: u32 = 3;
/// Past sales are spread over so many days.
const DAYS: u64 = 100;
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
/// Goods of one batch.
const BATCH: u64 = 1000;

/// A state folder with the shop in it.
pub struct State {
    /// Where it is.
    pub dir: PathBuf,
    /// The till's key.
    pub key: String,
}

impl State {
    /// The kept state below `dir`, or a new one.
    pub fn prepare(dir: &Path) -> Result<Self> {
        let kept = dir.join(format!("state-{}", digest()?));
        if !kept.join(KEY).exists() {
            let started = Instant::now();
            eprintln!("bench: filling {}", kept.display());
            let new = dir.join("state-new");
            let _ = fs::remove_dir_all(&new);
            fs::create_dir_all(&new)?;
            fill(&new).context("cannot fill the database")?;
            fs::rename(&new, &kept)?;
            eprintln!("bench: filled in {} s", started.elapsed().as_secs());
        }
        let key = fs::read_to_string(kept.join(KEY))?;
        Ok(Self { dir: kept, key })
    }

    /// A copy that may be written to.
    pub fn copy(&self, to: &Path) -> Result<Self> {
        let _ = fs::remove_dir_all(to);
        fs::create_dir_all(to)?;
        for file in [DATABASE, KEY_VALUE] {
            fs::copy(self.dir.join(file), to.join(file))?;
        }
        Ok(Self {
            dir: to.to_owned(),
            key: self.key.clone(),
        })
    }
}

/// Changes with everything that the seeded files depend on; also monthly, since points expire.
fn digest() -> Result<String> {
    let month = now_ms()? / DAY_MS / 30;
    let mut hash = Sha256::new();
    for step in sklad_store::migrations::from(0) {
        hash.update(step);
    }
    let numbers = (VERSION, shop::CUSTOMERS, shop::GOODS, shop::CATEGORIES);
    hash.update(format!("{numbers:?} {month} {}", shop::settings()));
    Ok(hex::encode(hash.finalize()).chars().take(12).collect())
}

/// Milliseconds since 1970 UTC.
pub fn now_ms() -> Result<i64> {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(i64::try_from(elapsed.as_millis())?)
}

fn fill(dir: &Path) -> Result<()> {
    let now = now_ms()?;
    let database = dir.join(DATABASE);
    let kv = FileKv::open(&dir.join(KEY_VALUE))?;
    let slug = shop::TENANT.parse()?;
    let document = Settings::parse(shop::settings().to_string().as_bytes())?;
    let sql = NativeSql::open(&database)?;
    block_on(settings::create(&sql, &kv, &slug, document, now))?;
    let key = block_on(keys::issue(&kv, &slug, "bench", now))?.text;
    drop(sql);
    let app = App::new(BulkSql::open(&database)?, kv, Config::default());
    block_on(catalogue(&app.sql, now))?;
    block_on(customers(&app, &key, now))?;
    app.sql.finish()?;
    fs::write(dir.join(KEY), key)?;
    Ok(())
}

async fn catalogue(sql: &BulkSql, now: i64) -> Result<()> {
    categories::upsert(sql, shop::TENANT, &shop::categories(), now).await?;
    for first in (0..shop::GOODS).step_by(usize::try_from(BATCH)?) {
        let batch: Vec<_> = (first..first + BATCH).map(shop::good).collect();
        goods::upsert(sql, shop::TENANT, &batch, now).await?;
    }
    Ok(())
}

/// Customers come as they do at a till: by their first sale, which creates them with the welcome
/// points; every fourth one has bought twice. Sales of a day come at one moment, so that the settings
/// are read once a day.
async fn customers(app: &App<BulkSql, FileKv>, key: &str, now: i64) -> Result<()> {
    let mut random = Random(7);
    for day in 0..DAYS {
        let ago = i64::try_from(DAYS - day)?;
        let at = now.saturating_sub(ago.saturating_mul(DAY_MS));
        let second = day >= DAYS / 2;
        for n in (day % (DAYS / 2)..shop::CUSTOMERS).step_by(usize::try_from(DAYS / 2)?) {
            if second && n % 4 != 3 {
                continue;
            }
            let number = format!("eee{}{n:08x}", u8::from(second));
            let points = (0, random.below(200));
            let call = sale_of(n, &number, 3, points, &mut random);
            let status = commit::handle(app, at, call.request(key)?).await.status();
            ensure!(status.is_success(), "sale {number}: {status}");
        }
    }
    Ok(())
}
