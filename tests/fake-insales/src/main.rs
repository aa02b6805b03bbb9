//! The fake to play with: prints where it is, what opens it, and calls that work.

use std::io::{self, Write as _};
use std::net::SocketAddr;

use clap::Parser;
use fake_insales::{Fake, Goods, Options, Shape};

/// InSales played on this machine.
#[derive(Debug, Parser)]
#[command(name = "fake-insales")]
struct Arguments {
    /// Where it listens.
    #[arg(long, default_value = "127.0.0.1:4002")]
    listen: SocketAddr,
    /// Products of the shop `big.myinsales.ru`.
    #[arg(long, default_value_t = 20_000)]
    products: u32,
    /// Pictures for every third product of it.
    #[arg(long)]
    images: bool,
    /// The least time of an answer, in milliseconds.
    #[arg(long, default_value_t = 0)]
    latency_ms: u32,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let fake = Fake::start(Options {
        listen: arguments.listen,
        latency_ms: arguments.latency_ms,
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
    let origin = fake.origin();
    writeln!(out, "All shops   {origin}   (insales_gateway={origin})")?;
    let shape = Shape {
        images: arguments.images,
        ..Shape::products(arguments.products)
    };
    let (small, big) = ("small.myinsales.ru", "big.myinsales.ru");
    let key = fake.add_shop(small, Goods::Small);
    let other = fake.add_shop(big, Goods::Generated(shape));
    for (shop, key) in [(small, &key), (big, &other)] {
        writeln!(
            out,
            "\nShop        {shop}\nKey         {}\nPassword    {}",
            key.id, key.password
        )?;
    }
    let admin = format!("{origin}/{small}/admin");
    let curl = format!("curl -u {}:{}", key.id, key.password);
    let variant = fake.things(small, "products");
    let variant = variant
        .first()
        .and_then(|product| product.pointer("/variants/0/id").cloned());
    let order = serde_json::json!({ "order": {
        "order_lines_attributes": [{ "variant_id": variant, "quantity": 2 }],
        "client": { "name": "Мария", "phone": "79111112233" },
        "delivery_variant_id": fake.id(small, "delivery_variants", 0),
        "payment_gateway_id": fake.id(small, "payment_gateways", 0),
    }});
    writeln!(out, "\nTry:")?;
    writeln!(out, "  {curl} {admin}/account.json")?;
    writeln!(
        out,
        "  {curl} '{admin}/products.json?updated_since=2026-06-30&with_deleted=1&per_page=250'"
    )?;
    writeln!(
        out,
        "  {curl} -H 'Content-Type: application/json' -d '{order}' {admin}/orders.json"
    )?;
    writeln!(
        out,
        "  curl -d '{{\"faults\":[{{\"kind\":\"html\",\"status\":502}}],\"times\":3}}' {origin}/_fake/faults"
    )?;
    writeln!(out, "  curl {origin}/_fake/            # everything else")?;
    out.flush()
}
