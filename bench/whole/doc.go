// Package whole has the benchmark of whole requests: the server as main runs it, in the process of the benchmark, so that one profile shows everything that a
// request costs. It is what default.pgo is made from (make pgo).
package whole
