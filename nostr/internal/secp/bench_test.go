package secp_test

import "testing"

func benchEach(b *testing.B, f func(b *testing.B, be backend)) {
	for _, be := range backends {
		b.Run(be.name, func(b *testing.B) {
			b.ReportAllocs()
			f(b, be)
		})
	}
}

func BenchmarkPrepare(b *testing.B) {
	benchEach(b, func(b *testing.B, be backend) {
		kp, _, raw := random(b, be)
		for b.Loop() {
			be.prepare(kp, &raw)
		}
	})
}

func BenchmarkSignAndCheck(b *testing.B) {
	benchEach(b, func(b *testing.B, be backend) {
		kp, pub, _ := random(b, be)
		var sig [64]byte
		var aux, msg [32]byte
		for b.Loop() {
			if !be.sign(&sig, kp, &pub, msg[:], &aux) {
				b.Fatal("no signature")
			}
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	benchEach(b, func(b *testing.B, be backend) {
		kp, pub, _ := random(b, be)
		var sig [64]byte
		var aux, msg [32]byte
		be.sign(&sig, kp, &pub, msg[:], &aux)
		for b.Loop() {
			if !be.verify(&sig, &pub, msg[:]) {
				b.Fatal("refused")
			}
		}
	})
}

func BenchmarkECDH(b *testing.B) {
	benchEach(b, func(b *testing.B, be backend) {
		kp, _, _ := random(b, be)
		_, peer, _ := random(b, be)
		var out [32]byte
		for b.Loop() {
			if !be.ecdh(&out, kp, &peer) {
				b.Fatal("refused")
			}
		}
	})
}

func BenchmarkLift(b *testing.B) {
	benchEach(b, func(b *testing.B, be backend) {
		_, pub, _ := random(b, be)
		for b.Loop() {
			be.valid(&pub)
		}
	})
}
