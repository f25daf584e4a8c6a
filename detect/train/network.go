package main

import (
	"math"
	"math/rand/v2"

	"tocsin/detect"
)

// example is one set of figures with its answer: true if a program made it.
type example struct {
	x    []float64
	made bool
	w    float64 // how much it counts
}

// learn fits a network of a number of hidden units by Adam (Kingma and Ba 2015,
// with their constants) on the logistic loss. The same examples and seed give the
// same network: products are rounded before they are summed, so that no processor
// fuses them.
func learn(list []example, hidden, epochs int, seed uint64) detect.Network {
	r := rand.New(rand.NewPCG(seed, 7))
	n := len(list[0].x)
	net := detect.Network{Mean: make([]float32, n), Scale: make([]float32, n), Out: make([]float32, hidden+1)}
	standardise(list, &net)
	size := hidden*(n+1) + hidden + 1
	w, g, m, v := make([]float64, size), make([]float64, size), make([]float64, size), make([]float64, size)
	for i := range w {
		w[i] = r.NormFloat64() / math.Sqrt(float64(n))
	}
	const batch = 64
	step := 0
	order := r.Perm(len(list))
	x, a := make([]float64, n), make([]float64, hidden)
	for epoch := range epochs {
		rate := 0.004 / (1 + float64(epoch)/2)
		r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for at := 0; at+batch <= len(order); at += batch {
			clear(g)
			for _, i := range order[at : at+batch] {
				gradient(&list[i], &net, w, g, x, a)
			}
			step++
			for i := range w {
				gi := g[i]/batch + float64(1e-5*w[i])
				m[i] = float64(0.9*m[i]) + float64(0.1*gi)
				v[i] = float64(0.999*v[i]) + float64(0.001*float64(gi*gi))
				mh, vh := m[i]/(1-math.Pow(0.9, float64(step))), v[i]/(1-math.Pow(0.999, float64(step)))
				w[i] -= rate * mh / (math.Sqrt(vh) + 1e-8)
			}
		}
	}
	for u := range hidden {
		unit := make([]float32, n+1)
		for i := range unit {
			unit[i] = float32(w[u*(n+1)+i])
		}
		net.Hidden = append(net.Hidden, unit)
	}
	for i := range net.Out {
		net.Out[i] = float32(w[hidden*(n+1)+i])
	}
	return net
}

func standardise(list []example, net *detect.Network) {
	for i := range net.Mean {
		sum, squares := 0.0, 0.0
		for _, e := range list {
			sum += e.x[i]
		}
		mean := sum / float64(len(list))
		for _, e := range list {
			squares += float64((e.x[i] - mean) * (e.x[i] - mean))
		}
		net.Mean[i] = float32(mean)
		net.Scale[i] = float32(1 / (math.Sqrt(squares/float64(len(list))) + 1e-6))
	}
}

// gradient adds one example's gradient to g.
func gradient(e *example, net *detect.Network, w, g, x, a []float64) {
	n, hidden := len(x), len(a)
	for i := range x {
		x[i] = (e.x[i] - float64(net.Mean[i])) * float64(net.Scale[i])
	}
	out := w[hidden*(n+1)+hidden]
	for u := range a {
		s := w[u*(n+1)+n]
		for i := range x {
			s += float64(w[u*(n+1)+i] * x[i])
		}
		a[u] = math.Tanh(s)
		out += float64(w[hidden*(n+1)+u] * a[u])
	}
	d := 1 / (1 + math.Exp(-out))
	if e.made {
		d--
	}
	d *= e.w
	g[hidden*(n+1)+hidden] += d
	for u := range a {
		g[hidden*(n+1)+u] += float64(d * a[u])
		b := d * w[hidden*(n+1)+u] * (1 - float64(a[u]*a[u]))
		g[u*(n+1)+n] += b
		for i := range x {
			g[u*(n+1)+i] += float64(b * x[i])
		}
	}
}
