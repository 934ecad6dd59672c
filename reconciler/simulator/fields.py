"""The names of the wire: fields of an offer, their other names, and the columns an instance list can be filtered by."""

from __future__ import annotations


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


OFFER_FIELDS = _names(
    """
    ask_contract_id avail_vol_ask_id avail_vol_dph avail_vol_size bundle_id bundled_results bw_nvlink cluster_id
    compute_cap cpu_arch cpu_cores cpu_cores_effective cpu_ghz cpu_name cpu_ram credit_discount_max
    cuda_max_good direct_port_count discount_rate discounted_dph_total discounted_hourly disk_bw disk_name
    disk_space dlperf dlperf_per_dphtotal dph_base dph_total dph_total_adj driver_vers driver_version duration
    end_date expected_reliability external flops_per_dphtotal geolocation geolocode gpu_arch gpu_display_active
    gpu_frac gpu_ids gpu_lanes gpu_max_power gpu_max_temp gpu_mem_bw gpu_name gpu_ram gpu_total_ram has_avx
    host_id hosting_type hostname id inet_down inet_down_cost inet_up inet_up_cost instance
    internet_down_cost_per_tb internet_up_cost_per_tb is_bid is_vm_deverified logo machine_id min_bid mobo_name
    num_gpus nw_disk_avg_bw nw_disk_max_bw nw_disk_min_bw os_version pci_gen pcie_bw public_ipaddr reliability
    reliability2 reliability_mult rentable rented resource_type rn score search sla_broker_rate sla_r_claim
    sla_sigma_x start_date static_ip storage_cost storage_total_cost target_reliability time_remaining
    time_remaining_isbid total_flops vericode verification vms_enabled vram_costperhour webpage
    """
)
"""The hundred keys of an offer row as read in July and September 2026."""

ALIASES = {
    "dph": "dph_total",
    "cuda_vers": "cuda_max_good",
    "ubuntu_version": "os_version",
    "verified": "verified",
    "flops_usd": "flops_per_dphtotal",
    "dlperf_usd": "dlperf_per_dphtotal",
}
"""Other names that a search accepts."""

FROZEN_FIELDS = (
    "machine_id", "host_id", "bundle_id", "num_gpus", "gpu_name", "gpu_arch", "gpu_ram", "gpu_frac", "gpu_lanes",
    "gpu_mem_bw", "gpu_display_active", "bw_nvlink", "compute_cap", "cuda_max_good", "driver_version", "total_flops",
    "dlperf", "cpu_name", "cpu_arch", "cpu_cores", "cpu_cores_effective", "cpu_ram", "has_avx", "mobo_name",
    "os_version", "pci_gen", "pcie_bw", "disk_name", "disk_bw", "inet_up", "inet_down", "inet_up_cost",
    "inet_down_cost", "internet_up_cost_per_tb", "internet_down_cost_per_tb", "direct_port_count", "static_ip",
    "geolocation", "min_bid", "dph_base", "storage_cost", "credit_discount_max", "reliability2", "verification",
    "end_date", "score",
)  # fmt: skip
"""What an instance takes over from its ask, and keeps: the terms of a rental are frozen."""

LIST_COLUMNS = _names(
    """
    id label actual_status intended_status cur_state next_state machine_id host_id bundle_id gpu_name gpu_arch
    gpu_ram verification geolocation image_uuid image_runtype template_id template_hash_id template_name
    start_date end_date is_bid min_bid dph_base storage_cost driver_version cuda_max_good cpu_name static_ip
    disk_space reliability2
    """
)
"""Columns stored on the contract, which an instance list can be filtered and ordered by; computed ones cannot."""
