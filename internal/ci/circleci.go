package ci

var circleCI = kind{
	name: CircleCI, found: says("CIRCLECI"), page: page("CIRCLE_BUILD_URL"),
	jobs: parallelJobs{index: "CIRCLE_NODE_INDEX", total: "CIRCLE_NODE_TOTAL", first: 0}, // https://circleci.com/docs/variables/
}
