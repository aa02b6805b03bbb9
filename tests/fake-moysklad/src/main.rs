//! The fake to play with: prints where it is, what opens it, and calls that work.

use std::io::{self, Write as _};
use std::net::SocketAddr;

use clap::Parser;
use fake_moysklad::{Fake, Options, PASSWORD, Shape, Shop, Solution};

/// МойСклад played on this machine.
#[derive(Debug, Parser)]
#[command(name = "fake-moysklad")]
struct Arguments {
    /// Address of the JSON API; the vendor API and the files are on the two ports after it.
    #[arg(long, default_value = "127.0.0.1:3100")]
    listen: SocketAddr,
    /// Goods of the account `big`.
    #[arg(long, default_value_t = 50_000)]
    goods: u32,
    /// Pictures for every fifth good of it.
    #[arg(long)]
    images: bool,
    /// The least time of an answer, in milliseconds.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// The application whose vendor endpoints a solution is to call.
    #[arg(long, default_value = "http://127.0.0.1:3000")]
    endpoint: String,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let fake = Fake::start(Options {
        listen: arguments.listen,
        latency_ms: arguments.latency_ms,
        stock_webhooks_ms: Some(60_000),
        ..Options::default()
    })?;
    greet(&fake, &arguments)?;
    let waiting = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    waiting.block_on(tokio::signal::ctrl_c())
}

fn greet(fake: &Fake, arguments: &Arguments) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "JSON API    {}/api/remap/1.2   (moysklad_api={})",
        fake.api(),
        fake.api()
    )?;
    writeln!(
        out,
        "Vendor API  {}/api/vendor/1.0  (moysklad_apps={})",
        fake.apps(),
        fake.apps()
    )?;
    writeln!(out, "Files       {}", fake.files())?;
    let shape = Shape {
        images: arguments.images,
        ..Shape::goods(arguments.goods)
    };
    let solution = Solution::published("loyalty.example", &arguments.endpoint);
    let id = solution.id;
    writeln!(
        out,
        "\nSolution    appId={id} appUid={} secretKey={}",
        solution.uid, solution.secret
    )?;
    writeln!(out, "            calls {}", solution.endpoint)?;
    fake.add_solution(solution);
    let mut first = None;
    for (name, shop) in [("small", Shop::Small), ("big", Shop::Generated(shape))] {
        let account = fake.add_account(name, shop);
        let token = fake.user_token(account);
        writeln!(out, "\nAccount     {name}  accountId={account}")?;
        writeln!(
            out,
            "            token={token}  login=admin@{name}  password={PASSWORD}"
        )?;
        writeln!(
            out,
            "            organization={}",
            fake.id(account, "organization", 0)
        )?;
        first.get_or_insert((account, token));
    }
    let Some((account, token)) = first else {
        return Ok(());
    };
    let (api, json) = (fake.api(), "-H 'Accept: application/json;charset=utf-8'");
    writeln!(out, "\nTry:")?;
    writeln!(
        out,
        "  curl --compressed {json} -H 'Authorization: Bearer {token}' \\"
    )?;
    writeln!(
        out,
        "    '{api}/api/remap/1.2/entity/product?limit=2&expand=productFolder'"
    )?;
    writeln!(
        out,
        "  curl --compressed {json} -H 'Authorization: Bearer {token}' \\"
    )?;
    writeln!(out, "    '{api}/api/remap/1.2/report/stock/all/current'")?;
    writeln!(
        out,
        "  curl -d '{{\"fault\":{{\"kind\":\"html\",\"status\":502}},\"times\":3}}' {api}/_fake/faults"
    )?;
    writeln!(
        out,
        "  curl -X POST {api}/_fake/solutions/{id}/{account}/install"
    )?;
    writeln!(out, "  curl {api}/_fake/            # everything else")?;
    out.flush()
}
