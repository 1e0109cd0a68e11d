package cli

// ShowPlan shows steps as `plan` does.
var ShowPlan = showPlan
