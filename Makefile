# sklad-edge: what can be done, see `make help`.

LISTEN ?= 127.0.0.1:3000
STATE ?= .spin
URL = http://$(LISTEN)
COMPONENTS = loyalty-search loyalty-calc loyalty-commit loyalty-verify commerceml-exchange moysklad-vendor moysklad-webhooks insales-webhooks pictures cabinet cabinet-openapi cabinet-customers cabinet-sales cabinet-goods cabinet-employees cabinet-orders cabinet-connections cabinet-insales sync scheduler
GUESTS = guest-probe guest-cron guest-wasi02 bench-empty bench-parse
HOST = target/release/sklad-edge
WASM = cargo build --profile wasm --target wasm32-wasip2
export LISTEN STATE

# Written by scripts/setup.sh where rustup cannot install the Wasm target.
-include target/toolchain.env

.PHONY: help
help: ## Lists the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16
	@echo
	@echo 'Settings: LISTEN=$(LISTEN) (address), STATE=$(STATE) (state folder)'

.PHONY: setup
setup: ## Prepares the toolchain (rustup target or Debian packages) and .env with secrets
	@scripts/setup.sh

.PHONY: components
components: setup
	@$(WASM_ENV) $(WASM) $(WASM_FLAGS) $(addprefix -p ,$(COMPONENTS))

.PHONY: guests
guests: setup
	@$(WASM_ENV) $(WASM) $(WASM_FLAGS) $(addprefix -p ,$(GUESTS))

.PHONY: host
host: setup
	@cargo build --release -p sklad-host

.PHONY: build
build: components host ## Builds the components and the embedded host

.PHONY: run
run: build ## Runs the application on LISTEN, with a demo tenant
	@scripts/run.sh

.PHONY: demo
demo: ## Plays a till against the running application
	@$(HOST) demo till --url $(URL) --key-file $(STATE)/demo-key

.PHONY: fake-moysklad
fake-moysklad: ## A МойСклад to play with: prints addresses, tokens and calls that work
	@cargo run --release -q -p fake-moysklad

.PHONY: fake-insales
fake-insales: ## Shops on InSales to play with: prints addresses, keys and calls that work
	@cargo run --release -q -p fake-insales

.PHONY: spin
spin: components ## Runs the same application with an installed Spin (4.1 or newer)
	@scripts/spin.sh

.PHONY: lint
lint: setup
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets -- -D warnings

.PHONY: test
test: lint build guests ## Everything that decides whether a change is good
	cargo test --workspace --exclude sklad-host --exclude e2e --exclude bench
	cargo test --release -p sklad-host -p e2e -p bench

.PHONY: bench
bench: build guests ## Measures, prints a table, writes target/bench/summary.json
	@cargo run --release -q -p bench

.PHONY: licences
licences: ## Checks the dependencies' licences and where they come from (cargo-deny)
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny check licenses bans sources

.PHONY: clean
clean: ## Removes what was built; the state folder stays
	cargo clean
