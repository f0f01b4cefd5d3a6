module example.com/prometheus

go 1.26

require github.com/prometheus/prometheus v0.301.0
