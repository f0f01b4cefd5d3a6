module example.com/go-kit

go 1.26

require github.com/go-kit/kit v0.13.0
