// Real payments: two lnd nodes on a btcd simnet, invoices made by internal/wallet.
// A module of its own, so that no test of the product waits for it; the nodes are
// built by another one (nodes/), so that their dependencies meet nobody's.
module nsecbunker/test/simnet

go 1.26.0

require nsecbunker v0.0.0

require (
	github.com/coder/websocket v1.8.15 // indirect
	gitlab.com/yawning/secp256k1-voi v0.0.0-20230925100816-f2616030848b // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace nsecbunker => ../..
